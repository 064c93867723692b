package dev.sennit;

import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.features.Feature;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.Nested;

class JoinableQueueConformanceTest {
    /** Guava's tests take a known order for that of insertion. */
    private static final Feature<?>[] ANY_ORDER = {CollectionFeature.GENERAL_PURPOSE, CollectionSize.ANY};

    @Nested
    class FirstInFirstOut extends BlockingQueueContract {
        @Override
        protected BlockingQueue<String> queue(int capacity) {
            return JoinableQueue.fifo(capacity);
        }
    }

    @Nested
    class LastInFirstOut extends BlockingQueueContract {
        @Override
        protected BlockingQueue<String> queue(int capacity) {
            return JoinableQueue.lifo(capacity);
        }

        @Override
        protected List<String> order(List<String> in) {
            return in.reversed();
        }

        @Override
        protected Feature<?>[] features() {
            return ANY_ORDER;
        }
    }

    @Nested
    class LeastFirst extends BlockingQueueContract {
        @Override
        protected BlockingQueue<String> queue(int capacity) {
            return JoinableQueue.priority(capacity, Comparator.naturalOrder());
        }

        @Override
        protected List<String> order(List<String> in) {
            return in.stream().sorted().toList();
        }

        @Override
        protected Feature<?>[] features() {
            return ANY_ORDER;
        }
    }
}
