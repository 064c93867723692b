package dev.sennit.faults;

import dev.sennit.manager.ManagedValue;
import dev.sennit.manager.ManagerServer;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcess;
import dev.sennit.process.WorkerTransport;
import java.util.EnumSet;
import java.util.SplittableRandom;

/**
 * A program that has one of everything, and waits to be killed: a pool under load, shared memory, a shared lock and
 * list, a manager and its clients, a process of its own and a pipe to it. It says when all of it is at work.
 */
final class DoomedParent {
    private static final int VALUES_BEFORE_READY = 20;

    private DoomedParent() {}

    public static void main(String[] arguments) throws Exception {
        var random = new SplittableRandom(Long.parseLong(arguments[0]));
        ProcessPool pool = ProcessPool.builder()
                .workers(2)
                .heap("64m")
                .output(WorkerOutput.DISCARD)
                .transport(WorkerTransport.valueOf(arguments[1]))
                .archive(false)
                .open();
        ManagerServer manager = ManagerServer.local();
        // Without those for which workers are replaced: so that "ready" means that none starts.
        var load =
                new Load(pool, manager, random, EnumSet.of(Load.Kind.STUBBORN, Load.Kind.CANCELLED, Load.Kind.LIMITED));
        Pipe pipe = Pipe.open();
        Connection theirs = pipe.second();
        // Of a server that no other process is connected to the folder stays, until the next one is opened.
        ManagedValue<Object> last = manager.client().newValue();
        WorkerProcess.builder().heap("32m").start(() -> {
            while (true) {
                last.set(theirs.receive());
                theirs.send(last.get());
            }
        });
        for (int i = 0;; i++) {
            pipe.first().send(i);
            if (pipe.first().receive(Integer.class) != i) {
                throw new AssertionError("the pipe lost something");
            }
            if (load.values() > VALUES_BEFORE_READY && pool.statistics().workers() == 2) {
                System.out.println("ready");
                System.out.flush();
            }
        }
    }
}
