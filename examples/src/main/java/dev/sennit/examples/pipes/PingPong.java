package dev.sennit.examples.pipes;

import dev.sennit.pipe.Connection;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;

/** Two processes play over a pipe. Each has one end; what they say does not pass through this process. */
public final class PingPong {
    private PingPong() {}

    public static void main(String[] arguments) throws Exception {
        try (Pipe table = Pipe.open()) {
            Connection left = table.first();
            Connection right = table.second();
            WorkerProcess ping = WorkerProcess.builder().name("ping").start(() -> {
                for (int ball = 1; ball <= 3; ball++) {
                    left.send("ball " + ball);
                    System.out.println(left.receive(String.class));
                }
                left.close();
            });
            WorkerProcess pong = WorkerProcess.builder().name("pong").start(() -> {
                while (right.poll(java.time.Duration.ofSeconds(30))) {
                    String ball = right.receive(String.class);
                    right.send(ball + " is back");
                    if (ball.endsWith("3")) {
                        return;
                    }
                }
            });
            ping.join();
            pong.join();
            System.out.println("exit codes: " + ping.exitCode().getAsInt() + " " + pong.exitCode().getAsInt());
        }
    }
}
