package dev.sennit.manager;

import dev.sennit.BlockingQueueContract;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class ManagedQueueConformanceIT extends BlockingQueueContract {
    private static ManagerServer server;

    @BeforeAll
    static void open() {
        server = ManagerServer.local();
    }

    @AfterAll
    static void close() {
        server.close();
    }

    @Override
    protected BlockingQueue<String> queue(int capacity) {
        return server.client().newQueue(capacity);
    }
}
