package shop;

import java.util.List;

/** What a host runs that loads it. */
public class Plugin implements Runnable {
    @Override
    public void run() {
        try {
            Shop.sell(List.of(new Order("rope", 3), new Order("sail", 2)), 10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
