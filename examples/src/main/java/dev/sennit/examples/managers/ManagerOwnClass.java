package dev.sennit.examples.managers;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.manager.ManagerServer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** An object of one's own that tasks in other processes call through its interface. */
public final class ManagerOwnClass {
    private ManagerOwnClass() {}

    /** What can be called from afar. */
    public interface Tickets {
        int next();

        /** Runs where it is called. */
        default String label() {
            return "ticket " + next();
        }
    }

    /** Stays here; its methods are called by several threads. */
    private static final class CountedTickets implements Tickets {
        private final AtomicInteger last = new AtomicInteger();

        @Override
        public int next() {
            return last.incrementAndGet();
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (ManagerServer manager = ManagerServer.local();
                Pool pool = Pools.open("processes:2")) {
            manager.register("tickets", Tickets.class, new CountedTickets());
            Tickets tickets = manager.client().get("tickets", Tickets.class);
            var taken = pool.map(i -> tickets.next(), IntStream.range(0, 20).boxed().toList());
            System.out.println(taken.stream().distinct().count() + " different, then " + tickets.label());
        }
    }
}
