package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class OpenPoolTest {
    private static List<OpenPool> named(String name) {
        return OpenPool.all().stream().filter(one -> one.name().equals(name)).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "loop"})
    void aPoolIsThereUntilItHasEnded(String plan) throws Exception {
        String kind = plan.split(":")[0];
        String name = "seen-" + kind;
        try (Pool pool = Pools.open(plan + "?name=" + name)) {
            pool.submit(() -> 1).get();
            OpenPool seen = named(name).getFirst();
            assertThat(seen.kind()).isEqualTo(kind);
            assertThat(seen.isShutdown()).isFalse();
            assertThat(seen.statistics().succeeded()).isEqualTo(1);
            pool.shutdown();
            assertThat(pool.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            assertThat(named(name)).isEmpty();
        }
    }

    @Test
    void aPoolThatIsShutDownIsThereWhileItsTasksRun() throws Exception {
        var goesOn = new CountDownLatch(1);
        Pool pool = Pools.open("threads:1?name=leaving");
        pool.submit(() -> goesOn.await(1, TimeUnit.MINUTES));
        pool.shutdown();
        assertThat(named("leaving")).singleElement().matches(OpenPool::isShutdown);
        goesOn.countDown();
        pool.close();
        assertThat(named("leaving")).isEmpty();
    }

    @Test
    void aForgottenPoolIsNotKept() {
        for (int i = 0; i < 3; i++) {
            Pools.open("inline?name=forgotten");
        }
        await().atMost(1, TimeUnit.MINUTES).until(() -> {
            System.gc();
            return named("forgotten").isEmpty();
        });
    }
}
