package dev.sennit.examples.channels;

import dev.sennit.loop.Channel;
import dev.sennit.loop.Select;
import java.time.Duration;

/** One thread serves two channels, whichever has something, and notices when there is nothing for a while. */
public final class SelectWithTimeout {
    private SelectWithTimeout() {}

    public static void main(String[] arguments) throws Exception {
        var orders = new Channel<String>(10);
        var complaints = new Channel<String>(0);
        orders.send("tea");
        orders.send("cake");
        Thread.startVirtualThread(() -> {
            try {
                complaints.send("cold tea");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        String done = "";
        while (!done.equals("closing time")) {
            done = Select.from(
                    orders.receiving(order -> "served " + order),
                    complaints.receiving(complaint -> "sorry about the " + complaint),
                    Select.after(Duration.ofMillis(500), () -> "closing time"));
            System.out.println(done);
        }
    }
}
