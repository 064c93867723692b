package dev.sennit.cli;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import dev.sennit.loop.Loops;
import dev.sennit.loop.LoopsMXBean;
import dev.sennit.process.WorkerPools;
import dev.sennit.process.WorkerPoolsMXBean;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Reads the event loops and the pools of worker processes of another JVM of the same user.
 *
 * <p>The reader attaches to the JVM and has it start its own management agent, which loads no foreign code, so prints
 * no warning, and serves only this user. Then the reader has the JVM's MBean server create the library's beans, which
 * do not exist before. Where the server does not know the library's class loader, the library registers its beans
 * itself as soon as it sees the server.
 */
final class JvmReader {
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(3);
    private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(50);

    private JvmReader() {}

    /** The loops and pools of a JVM. */
    record Seen(List<LoopsMXBean.Loop> loops, List<WorkerPoolsMXBean.WorkerPool> pools) {
        boolean isNothing() {
            return loops.isEmpty() && pools.isEmpty();
        }
    }

    @SuppressWarnings("BanJNDI") // the address is not looked up: the attached JVM has returned it
    static Seen read(long pid) {
        String address = startAgent(pid);
        try (var connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            makeOne(server, Loops.class, LoopsMXBean.NAME);
            makeOne(server, WorkerPools.class, WorkerPoolsMXBean.NAME);
            return seen(server)
                    .orElseThrow(() -> CommandException.failed(
                            "process " + pid
                                    + " has no Sennit with event loops that are watched, or with worker processes",
                            null));
        } catch (CommandException e) {
            throw e;
        } catch (IOException | JMException | RuntimeException e) {
            throw CommandException.failed("process " + pid + " could not be read: " + CommandException.taskFailure(e),
                    e);
        }
    }

    private static void makeOne(MBeanServerConnection server, Class<?> bean, String name)
            throws IOException, JMException {
        try {
            server.createMBean(bean.getName(), new ObjectName(name));
        } catch (InstanceAlreadyExistsException e) {
            // an earlier reader has created the bean
        } catch (ReflectionException e) {
            // the library is not on the class path, or is older
        }
    }

    /**
     * Returns the loops and pools of all copies of the library; empty if there is none. Waits for the first loop or
     * pool: a copy in another class loader needs a moment to see the server.
     */
    private static Optional<Seen> seen(MBeanServerConnection server) throws IOException, JMException {
        long start = System.nanoTime();
        while (true) {
            Set<ObjectName> loops = server.queryNames(new ObjectName(LoopsMXBean.NAME + ",*"), null);
            Set<ObjectName> pools = server.queryNames(new ObjectName(WorkerPoolsMXBean.NAME + ",*"), null);
            var seen = new Seen(
                    loops.stream()
                            .sorted()
                            .flatMap(name -> JMX.newMXBeanProxy(server, name, LoopsMXBean.class).loops().stream())
                            .toList(),
                    pools.stream()
                            .sorted()
                            .flatMap(name -> JMX.newMXBeanProxy(server, name, WorkerPoolsMXBean.class).pools().stream())
                            .toList());
            if (!seen.isNothing() || System.nanoTime() - start > LONGEST_WAIT) {
                return loops.isEmpty() && pools.isEmpty() ? Optional.empty() : Optional.of(seen);
            }
            LockSupport.parkNanos(LOOK_AGAIN);
        }
    }

    private static String startAgent(long pid) {
        String what = "process " + pid;
        ProcessHandle process = ProcessHandle.of(pid)
                .orElseThrow(() -> CommandException.usage("no " + what + ": jps lists the JVMs that there are"));
        if (pid == ProcessHandle.current().pid()) {
            throw CommandException.usage(what + " is this command itself");
        }
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                return machine.startLocalManagementAgent();
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw CommandException.usage(what + " is no JVM that answers: jps lists those that there are", e);
        } catch (IOException e) {
            String owner = process.info().user().orElse("");
            String self = System.getProperty("user.name");
            throw owner.isEmpty() || owner.equals(self)
                    ? CommandException.couldNotStart("could not attach to " + what + ": " + CommandException.oneLine(e),
                            e)
                    : CommandException.couldNotStart(
                            what + " belongs to " + owner + ": run this as that user, was " + self, e);
        }
    }
}
