package dev.sennit.examples.pipes;

import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ConnectionEndedException;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** One thread listens to several processes, until all of them have ended. */
public final class WaitAnyConnection {
    private WaitAnyConnection() {}

    public static void main(String[] arguments) throws Exception {
        List<Connection> open = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            int number = i;
            Pipe pipe = Pipe.oneWay();
            Connection out = pipe.first();
            WorkerProcess.start(() -> {
                for (int n = 0; n < 2; n++) {
                    out.send(10 * number + n);
                }
            });
            open.add(pipe.second());
        }
        var got = new TreeSet<Integer>();
        while (!open.isEmpty()) {
            for (Connection ready : Connection.waitAny(open, Duration.ofSeconds(30))) {
                try {
                    got.add(ready.receive(Integer.class));
                } catch (ConnectionEndedException e) {
                    open.remove(ready); // its process has ended
                    ready.close();
                }
            }
        }
        System.out.println("got " + got);
    }
}
