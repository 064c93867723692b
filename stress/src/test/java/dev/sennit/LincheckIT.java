package dev.sennit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.loop.Channel;
import dev.sennit.loop.Select;
import dev.sennit.queue.memory.BrokerModels;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random programs of two threads, whose interleavings Lincheck explores: their results must match some order of the
 * calls, and the validation of each model must hold at the end. {@code -Dsennit.lincheck=200} makes a long run, as
 * {@code ./test full} does; {@code ./test} leaves it out.
 */
@EnabledIfSystemProperty(named = "sennit.lincheck", matches = "[1-9]\\d*")
@Timeout(3600)
class LincheckIT {
    private static final int PROGRAMS = Integer.getInteger("sennit.lincheck", 1);
    /** Enough programs to find each seeded bug in every build. */
    private static final int PROGRAMS_OF_BROKEN = Math.max(10, PROGRAMS);

    // ---- the library ----

    public static class EventModel {
        private final Event event = new Event();

        @Operation
        public void set() {
            event.set();
        }

        @Operation
        public void clear() {
            event.clear();
        }

        @Operation
        public boolean isSet() {
            return event.isSet();
        }

        @Operation
        public boolean await() throws InterruptedException {
            return event.await(Duration.ZERO);
        }
    }

    /** What an operation throws is its result too. */
    public static class QueueModel {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(2);

        @Operation
        public boolean offer(@Param(gen = IntGen.class, conf = "1:2") int element) {
            return queue.offer(element);
        }

        @Operation
        public Integer poll() {
            return queue.poll();
        }

        @Operation
        public Integer peek() {
            return queue.peek();
        }

        @Operation
        public void taskDone() {
            queue.taskDone();
        }

        @Operation
        public void shutdown() {
            queue.shutdown();
        }

        @Operation
        public List<Integer> shutdownNow() {
            return queue.shutdownNow();
        }
    }

    public static class FutureModel {
        private final Submission<Integer> submission = HandPool.ONE.take(() -> 7);
        private final AtomicInteger calls = new AtomicInteger();

        /** Makes a future whose callback must be called once. */
        public FutureModel() {
            submission.future().onDone(done -> calls.incrementAndGet());
        }

        /** What it throws is its result too. */
        @Operation
        public Integer runAndGet() {
            submission.run();
            return submission.future().join();
        }

        @Operation
        public boolean complete(@Param(gen = IntGen.class, conf = "1:2") int value) {
            return submission.future().complete(value);
        }

        @Operation
        public boolean cancel() {
            return submission.future().cancel(false);
        }

        @Operation
        public Integer value() {
            return submission.future().getNow(-1);
        }

        @Validate
        public void oneCallback() {
            if (calls.get() != (submission.future().isDone() ? 1 : 0)) {
                throw new IllegalStateException(calls + " calls");
            }
        }
    }

    /** Threads that start for tasks, and end when there are none. */
    public static class WorkerCountModel {
        private static final int MAX = 2;

        private final WorkerCount count = new WorkerCount(0, MAX, 1, 1);
        private final ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>();
        /** Threads that are between two checks of the queue. */
        private final AtomicInteger between = new AtomicInteger();

        @Operation
        public void bring() {
            count.taskCame();
            queue.add(1);
            if (count.startsOne()) {
                between.incrementAndGet();
            }
        }

        /** One of the threads takes a task, or ends if it may. */
        @Operation
        public void look() {
            int threads = between.get();
            if (threads == 0 || !between.compareAndSet(threads, threads - 1)) {
                return;
            }
            if (queue.poll() != null) {
                count.taskEnded();
                between.incrementAndGet();
            } else if (!count.endsOne(queue::isEmpty)) {
                between.incrementAndGet();
            }
        }

        @Validate
        public void everyTaskHasAThread() {
            int threads = between.get();
            if (count.threads() != threads || threads > MAX || !queue.isEmpty() && threads == 0) {
                throw new IllegalStateException(threads + " threads, count " + count.threads() + ", tasks " + queue);
            }
        }
    }

    /** What an operation throws is its result too. */
    public abstract static class ChannelModel {
        private final Channel<Integer> channel;

        ChannelModel(int capacity) {
            channel = new Channel<>(capacity);
        }

        @Operation
        public boolean trySend(@Param(gen = IntGen.class, conf = "1:2") int element) {
            return channel.trySend(element);
        }

        @Operation
        public Integer tryReceive() {
            return channel.tryReceive();
        }

        @Operation
        public String selectReceiving() throws InterruptedException {
            return Select.from(
                    channel.receiving(one -> "received " + one).whenClosed(e -> "closed"),
                    Select.orElse(() -> "nothing"));
        }

        @Operation
        public String selectSending(@Param(gen = IntGen.class, conf = "1:2") int element) throws InterruptedException {
            return Select.from(
                    channel.sending(element, () -> "sent").whenClosed(e -> "closed"), Select.orElse(() -> "full"));
        }

        @Operation
        public boolean close() {
            return channel.close();
        }

        @Operation
        public int size() {
            return channel.size();
        }
    }

    public static class MeetingModel extends ChannelModel {
        /** A channel without a buffer. */
        public MeetingModel() {
            super(0);
        }
    }

    public static class ChannelOfOneModel extends ChannelModel {
        /** A channel for one element. */
        public ChannelOfOneModel() {
            super(1);
        }
    }

    public static class ChannelOfTwoModel extends ChannelModel {
        /** A channel for two elements. */
        public ChannelOfTwoModel() {
            super(2);
        }
    }

    static Stream<Class<?>> models() {
        Stream<Class<?>> core = Stream.of(
                EventModel.class,
                QueueModel.class,
                FutureModel.class,
                WorkerCountModel.class,
                MeetingModel.class,
                ChannelOfOneModel.class,
                ChannelOfTwoModel.class);
        return Stream.concat(core, BrokerModels.all());
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyInterleavingIsInSomeOrder(Class<?> model) {
        modelChecking(model);
    }

    /**
     * One model of each package, or all models in a long run, as exploring interleavings finds more bugs in less time.
     */
    static Stream<Class<?>> modelsForThreads() {
        return PROGRAMS > 2 ? models() : Stream.of(QueueModel.class, ChannelOfOneModel.class);
    }

    @ParameterizedTest
    @MethodSource("modelsForThreads")
    void whatThreadsDoIsInSomeOrder(Class<?> model) {
        stress(model);
    }

    /**
     * Returns the number of programs. The steps of channels and brokers take longest, so they get fewer and shorter
     * programs.
     */
    private static int programs(Class<?> model) {
        int all = model.getSimpleName().startsWith("Broken") ? PROGRAMS_OF_BROKEN : PROGRAMS;
        return hasLongSteps(model) ? (all + 2) / 3 : all;
    }

    private static boolean hasLongSteps(Class<?> model) {
        return ChannelModel.class.isAssignableFrom(model) || isOfBrokers(model);
    }

    private static boolean isOfBrokers(Class<?> model) {
        return model.getEnclosingClass() == BrokerModels.class;
    }

    private static boolean isOrdinary(String className) {
        return className.startsWith("java.util.") && !className.startsWith("java.util.concurrent.")
                || className.startsWith("java.time.")
                || className.startsWith("dev.sennit.queue.broker.");
    }

    private static void modelChecking(Class<?> model) {
        modelChecking(new ModelCheckingOptions(), model);
    }

    private static void modelChecking(ModelCheckingOptions options, Class<?> model) {
        if (isOfBrokers(model)) { // what the lock guards is plain collections, in which nobody has to change threads
            options.addGuarantee(ManagedStrategyGuaranteeKt.forClasses(LincheckIT::isOrdinary).allMethods().ignore());
        }
        options.iterations(
                programs(model))
                .invocationsPerIteration(isOfBrokers(model) ? 100 : hasLongSteps(model) ? 300 : 500)
                .threads(2)
                .actorsPerThread(hasLongSteps(model) ? 2 : 3)
                .actorsBefore(0)
                .actorsAfter(1)
                .check(model);
    }

    private static void stress(Class<?> model) {
        new StressOptions()
                .iterations((programs(model) + 1) / 2)
                .invocationsPerIteration(1_000)
                .threads(2)
                .actorsPerThread(hasLongSteps(model) ? 2 : 3)
                .check(model);
    }

    // ---- the canaries ----

    /** {@code clear} returns whether the event was set. */
    public static class BrokenEventModel {
        private volatile boolean set;

        @Operation
        public void set() {
            set = true;
        }

        @Operation
        public boolean clear() {
            boolean was = set;
            set = false;
            return was;
        }
    }

    /** A queue without a lock. */
    public static class BrokenQueueModel {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();

        @Operation
        public void offer(@Param(gen = IntGen.class, conf = "1:2") int element) {
            queue.add(element);
        }

        @Operation
        public Integer poll() {
            return queue.poll();
        }
    }

    /** Checks whether it is done, and then completes, in two steps. */
    public static class BrokenFutureModel {
        private volatile boolean done;

        @Operation
        public boolean complete() {
            if (done) {
                return false;
            }
            done = true;
            return true;
        }

        @Operation
        public boolean cancel() {
            return complete();
        }
    }

    /** A thread checks the queue first, and then counts itself out. */
    public static class BrokenWorkerCountModel {
        private final ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>();
        private final AtomicInteger threads = new AtomicInteger();

        @Operation
        public void bring() {
            queue.add(1);
            threads.compareAndSet(0, 1);
        }

        @Operation
        public void look() {
            if (threads.get() == 1 && queue.poll() == null) {
                threads.compareAndSet(1, 0);
            }
        }

        @Validate
        public void everyTaskHasAThread() {
            if (!queue.isEmpty() && threads.get() == 0) {
                throw new IllegalStateException("no thread for " + queue);
            }
        }
    }

    /** A channel for one element, which checks for room and then adds the element, in two steps. */
    public static class BrokenChannelModel {
        private final ConcurrentLinkedQueue<Integer> elements = new ConcurrentLinkedQueue<>();

        @Operation
        public boolean trySend(@Param(gen = IntGen.class, conf = "1:2") int element) {
            return elements.isEmpty() && elements.add(element);
        }

        @Operation
        public Integer tryReceive() {
            return elements.poll();
        }
    }

    static Stream<Class<?>> canaries() {
        Stream<Class<?>> core = Stream.of(
                BrokenEventModel.class,
                BrokenQueueModel.class,
                BrokenFutureModel.class,
                BrokenWorkerCountModel.class,
                BrokenChannelModel.class);
        return Stream.concat(core, BrokerModels.canaries());
    }

    @ParameterizedTest
    @MethodSource("canaries")
    void theCanariesAreFound(Class<?> canary) {
        // Minimizing the failing program would take a minute, and has no reader.
        ModelCheckingOptions asFound = new ModelCheckingOptions().minimizeFailedScenario(false);
        assertThatThrownBy(() -> modelChecking(asFound, canary)).isInstanceOf(LincheckAssertionError.class);
    }
}
