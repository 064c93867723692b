import dev.sennit.Pool;
import dev.sennit.Pools;

record Order(String item, int count) implements Serializable {}

record Receipt(Order order, int cents) implements Serializable {}

static class SoldOut extends Exception {
    SoldOut(Order order) {
        super("no " + order.item() + " left");
    }
}

void main() throws InterruptedException {
    List<Order> orders = List.of(new Order("rope", 3), new Order("sail", 2));
    int discount = 10;
    try (Pool pool = Pools.open("processes:2")) {
        IO.println(pool.map(order -> new Receipt(order, order.count() * (100 - discount)), orders));
        Order first = orders.getFirst();
        Receipt receipt = pool.submit(() -> new Receipt(first, first.count() * 100)).get();
        long worker = pool.submit(() -> ProcessHandle.current().pid()).get();
        IO.println(receipt.cents() + (worker == ProcessHandle.current().pid() ? " here" : " from a worker"));
        pool.submit(() -> {
            throw new SoldOut(first);
        }).get();
    } catch (ExecutionException e) {
        IO.println(e.getCause());
    }
}
