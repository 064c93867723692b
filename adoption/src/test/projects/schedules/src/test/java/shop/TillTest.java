package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sennit.junit.Schedules;

class TillTest {
    @Schedules(1000)
    void nothingThatIsPaidIsLost() throws InterruptedException {
        var till = new Till();
        Thread one = Thread.startVirtualThread(() -> till.pay(300));
        Thread other = Thread.startVirtualThread(() -> till.pay(200));
        one.join();
        other.join();
        assertEquals(500, till.cents());
    }
}
