package shop;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;
import java.util.concurrent.ExecutionException;

/** Sells in worker processes: the application's own classes go there, and come back. */
public final class Shop {
    private Shop() {}

    public static void sell(List<Order> orders, int discount) throws InterruptedException {
        try (Pool pool = Pools.open("processes:2")) {
            List<Receipt> receipts = pool.map(order -> receipt(order, discount), orders);
            System.out.println(receipts);
            Order first = orders.getFirst();
            Receipt receipt = pool.submit(() -> receipt(first, 0)).get();
            long worker = pool.submit(() -> ProcessHandle.current().pid()).get();
            System.out.println(
                    receipt.cents() + (worker == ProcessHandle.current().pid() ? " here" : " from a worker"));
            pool.submit(() -> {
                throw new SoldOut(first);
            }).get();
        } catch (ExecutionException e) {
            System.out.println(e.getCause());
        }
    }

    private static Receipt receipt(Order order, int discount) {
        return new Receipt(order, order.count() * (100 - discount));
    }
}
