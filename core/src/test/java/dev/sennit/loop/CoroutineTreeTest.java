package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.conformance.internal.Conditions;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CoroutineTreeTest {
    private final CountDownLatch end = new CountDownLatch(1);

    private void waitForEnd() throws InterruptedException {
        end.await();
    }

    @Test
    void eachIsBelowTheOneThatHasStartedIt() throws Exception {
        try (EventLoop loop = EventLoop.builder().name("shop").open()) {
            TaskFuture<CoroutineTree> seen = loop.submit(
                    () -> {
                        TaskFuture<?> order = loop.submit(
                                (Waiting) () -> {
                                    loop.submit((Waiting) () -> Thread.sleep(Duration.ofHours(1)),
                                            TaskOptions.named("retry"));
                                    loop.submit((Waiting) this::waitForEnd, TaskOptions.named("pay"));
                                    waitForEnd();
                                },
                                TaskOptions.named("order"));
                        EventLoop.yieldNow(); // order has started both
                        EventLoop.yieldNow(); // and they have begun to wait
                        loop.submit(() -> {}, TaskOptions.named("late"));
                        assertThat(order).isNotDone();
                        return loop.tree();
                    },
                    TaskOptions.named("main"));

            CoroutineTree tree = seen.join();
            end.countDown();
            loop.shutdownNow();

            assertThat(tree.loop()).isEqualTo("shop");
            assertThat(tree.mechanism()).isEqualTo(loop.mechanism());
            assertThat(tree.roots()).extracting(CoroutineTree.Node::name).containsExactly("main");
            CoroutineTree.Node main = tree.roots().getFirst();
            assertThat(main.state()).isEqualTo(CoroutineTree.State.RUNNING);
            assertThat(main.startedBy()).isEqualTo(Thread.currentThread().threadId());
            assertThat(main.children()).extracting(CoroutineTree.Node::name).containsExactly("order", "late");
            CoroutineTree.Node order = main.children().getFirst();
            assertThat(order.startedBy()).isEqualTo(main.id());
            assertThat(order.state()).isEqualTo(CoroutineTree.State.WAITING);
            assertThat(order.waitsFor()).matches("CountDownLatch@\\w+");
            assertThat(order.children()).extracting(CoroutineTree.Node::name).containsExactly("retry", "pay");
            assertThat(order.children().getFirst().state()).isEqualTo(CoroutineTree.State.SLEEPING);
            assertThat(order.stack()).extracting(StackTraceElement::getMethodName).startsWith("await", "waitForEnd");
            CoroutineTree.Node late = main.children().getLast();
            assertThat(late.state()).isEqualTo(CoroutineTree.State.READY);
            assertThat(late.stack()).isEmpty();
            assertThat(tree.size()).isEqualTo(5);
            assertThat(tree.nodes()).extracting(CoroutineTree.Node::name).containsExactly("main", "order", "retry",
                    "pay", "late");
            assertThat(tree.toString().lines().map(line -> line.replaceAll(" (for|at) .*|, [^,]* old$", "")))
                    .containsExactly(
                            "shop: 5 coroutines", "  main  running", "    order  waiting", "      retry  sleeping",
                            "      pay  waiting", "    late  ready");
        }
    }

    @Test
    void whatAnEndedOneHasStartedIsARootThatStillSaysWhoItWas() throws Exception {
        try (EventLoop loop = EventLoop.open()) {
            long parent = loop.submit(() -> {
                loop.submit((Waiting) this::waitForEnd, TaskOptions.named("orphan"));
                return Thread.currentThread().threadId();
            })
                    .join();

            Conditions.await("the parent has ended").until(() -> loop.statistics().workers() == 1);
            List<CoroutineTree.Node> roots = loop.tree().roots();
            end.countDown();

            assertThat(roots).extracting(CoroutineTree.Node::name).containsExactly("orphan");
            assertThat(roots.getFirst().startedBy()).isEqualTo(parent);
        }
    }

    /** Each starts the next and ends, but the last. */
    private record Relay(EventLoop loop, List<WeakReference<Object>> ended, CountDownLatch done, CountDownLatch end,
            int left)
            implements Runnable {
        @Override
        public void run() {
            if (left > 0) {
                ended.add(new WeakReference<>(this));
                loop.execute(new Relay(loop, ended, done, end, left - 1));
            } else {
                done.countDown();
                try {
                    end.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    @Test
    void thoseThatHaveEndedAreNotKeptByThoseThatTheyHaveStarted() throws Exception {
        List<WeakReference<Object>> ended = new ArrayList<>();
        var done = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.open()) {
            loop.execute(new Relay(loop, ended, done, end, 100));
            done.await();
            assertThat(ended).hasSize(100);
            while (ended.stream().anyMatch(one -> one.get() != null)) { // as long as this takes: the time limit ends it
                System.gc();
            }
            end.countDown();
        }
    }

    @Test
    void aChainMayBeLongerThanAStackIsDeep() {
        List<CoroutineTree.Node> chain = new ArrayList<>();
        for (int id = 30_000; id > 0; id--) {
            chain.add(new CoroutineTree.Node(
                    id, "n" + id, CoroutineTree.State.READY, "", Duration.ZERO, id - 1, List.of(), List.of()));
        }

        CoroutineTree tree = CoroutineTree.of("long", EventLoop.Mechanism.SCHEDULER, chain);

        assertThat(tree.roots()).extracting(CoroutineTree.Node::id).containsExactly(1L);
        assertThat(tree.size()).isEqualTo(30_000);
        assertThat(tree.nodes().getLast().id()).isEqualTo(30_000);
        assertThat(tree.toString().lines()).hasSize(30_001);
    }

    @Test
    void aLoopThatIsHeldCanBeLookedAt() throws Exception {
        var held = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.open()) {
            loop.submit(
                    () -> {
                        held.countDown();
                        while (end.getCount() > 0) {
                            Thread.onSpinWait();
                        }
                    },
                    TaskOptions.named("greedy"));
            held.await();
            loop.submit(() -> {}, TaskOptions.named("patient"));

            CoroutineTree tree = loop.tree();
            end.countDown();

            assertThat(tree.nodes()).extracting(CoroutineTree.Node::name).containsExactly("greedy", "patient");
            assertThat(tree.nodes()).extracting(CoroutineTree.Node::state)
                    .containsExactly(CoroutineTree.State.RUNNING, CoroutineTree.State.READY);
        }
    }

    @Test
    void lookingOnLosesNobodysTurn() throws Exception {
        try (EventLoop loop = EventLoop.open()) {
            var left = new CountDownLatch(8);
            for (int i = 0; i < 8; i++) {
                loop.execute(() -> {
                    for (int j = 0; j < 2000; j++) {
                        EventLoop.yieldNow();
                    }
                    left.countDown();
                });
            }
            while (left.getCount() > 0) {
                assertThat(loop.tree().size()).isLessThanOrEqualTo(8);
                loop.report();
            }
        }
    }

    @Test
    void anMBeanShowsTheOpenLoopsToWhoeverMakesIt() throws Exception {
        MBeanServer server = MBeanServerFactory.newMBeanServer();
        var name = new ObjectName(LoopsMXBean.NAME);
        server.registerMBean(new Loops(), name);
        LoopsMXBean bean = JMX.newMXBeanProxy(server, name, LoopsMXBean.class);
        try (EventLoop loop = EventLoop.builder().name("seen from outside").open()) {
            var begun = new CountDownLatch(1);
            loop.submit(
                    (Waiting) () -> {
                        loop.submit((Waiting) this::waitForEnd, TaskOptions.named("pay"));
                        begun.countDown();
                        waitForEnd();
                    },
                    TaskOptions.named("order"));
            begun.await();

            List<LoopsMXBean.Loop> loops = bean.loops();
            end.countDown();

            LoopsMXBean.Loop seen = loops.stream()
                    .filter(one -> one.name().equals("seen from outside"))
                    .findFirst()
                    .orElseThrow();
            assertThat(seen.mechanism()).isEqualTo(loop.mechanism().name());
            assertThat(seen.deadlocks()).isEmpty();
            assertThat(seen.coroutines()).extracting(LoopsMXBean.Coroutine::name).containsExactly("order", "pay");
            assertThat(seen.coroutines().getLast().startedBy()).isEqualTo(seen.coroutines().getFirst().id());
        }
        assertThat(bean.loops()).extracting(LoopsMXBean.Loop::name).doesNotContain("seen from outside");
    }
}
