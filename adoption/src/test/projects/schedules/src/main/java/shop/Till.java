package shop;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts what is paid. */
public final class Till {
    private final AtomicInteger cents = new AtomicInteger();

    public void pay(int amount) {
        cents.addAndGet(amount);
    }

    public int cents() {
        return cents.get();
    }
}
