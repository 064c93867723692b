package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import org.junit.jupiter.api.Test;

class BatonLoopTest extends EventLoopContract {
    @Override
    EventLoop.Mechanism mechanism() {
        return EventLoop.Mechanism.BATON;
    }

    @Test
    void aWaitThatIsToldLetsOthersGoOn() throws Exception {
        var queue = new ArrayBlockingQueue<String>(1);
        try (EventLoop loop = open()) {
            String taken = loop.submit(() -> {
                loop.execute(() -> queue.add("hello"));
                return EventLoop.suspending(queue::take);
            })
                    .get();
            assertThat(taken).isEqualTo("hello");
        }
    }

    @Test
    void aWaitThatIsNotToldHoldsTheLoop() throws Exception {
        List<String> order = new ArrayList<>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                loop.execute(() -> order.add("other"));
                Thread.sleep(10);
                order.add("sleeper");
                return null;
            }).get();
        }
        assertThat(order).containsExactly("sleeper", "other");
    }
}
