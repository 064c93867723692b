package dev.sennit.examples.pipes;

import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ConnectionAddress;
import dev.sennit.pipe.ConnectionListener;
import dev.sennit.process.WorkerProcess;

/** A process connects by address, as any program could that has the key; nobody gave it an end of a pipe. */
public final class KnockAtAListener {
    private KnockAtAListener() {}

    public static void main(String[] arguments) throws Exception {
        try (ConnectionListener listener = ConnectionListener.local()) {
            ConnectionAddress address = listener.address();
            WorkerProcess visitor = WorkerProcess.builder().name("visitor").start(() -> {
                try (Connection connection = Connection.connect(address)) {
                    connection.send("anybody in?");
                    System.out.println(connection.receive(String.class));
                }
            });
            try (Connection accepted = listener.accept()) {
                System.out.println("a visitor asks: " + accepted.receive(String.class));
                accepted.send("come in");
                visitor.join();
            }
        }
    }
}
