import dev.sennit.*

record Order(String item, int count) implements Serializable {}
record Receipt(Order order, int cents) implements Serializable {}
class SoldOut extends Exception { SoldOut(Order order) { super("no " + order.item() + " left"); } }

var pool = Pools.open("processes:2")
var orders = List.of(new Order("rope", 3), new Order("sail", 2))
System.out.println(pool.map(order -> new Receipt(order, order.count() * 90), orders))
Receipt sold(Order order) throws Exception { return pool.submit(() -> new Receipt(order, order.count() * 100)).get(); }
long worker = pool.submit(() -> ProcessHandle.current().pid()).get()
System.out.println(sold(orders.getFirst()).cents() + (worker == ProcessHandle.current().pid() ? " here" : " from a worker"))
void fail(Order order) throws Exception { pool.submit(() -> { throw new SoldOut(order); }).get(); }
try { fail(orders.getFirst()); } catch (ExecutionException e) { System.out.println(e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage()); }
pool.close()
/exit
