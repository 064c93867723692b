package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ShopTest {
    private static Pool pool;

    @BeforeAll
    static void open() {
        pool = Pools.open("processes:2");
    }

    @AfterAll
    static void close() {
        pool.close();
    }

    @Test
    void tasksCaptureAndReturnTheApplicationsObjects() throws Exception {
        Order order = new Order("rope", 3);
        assertEquals(new Receipt(order, 6), pool.submit(() -> new Receipt(order, order.count() * 2)).get());
        assertEquals(List.of(order), pool.map(count -> new Order("rope", count), List.of(3)));
        assertNotEquals(ProcessHandle.current().pid(), pool.submit(() -> ProcessHandle.current().pid()).get());
    }

    @Test
    void failuresComeHomeWithTheirType() {
        Order order = new Order("anchor", 1);
        var failed = assertThrows(ExecutionException.class, () -> pool.submit(() -> {
            throw new SoldOut(order);
        }).get());
        assertInstanceOf(SoldOut.class, failed.getCause());
    }
}
