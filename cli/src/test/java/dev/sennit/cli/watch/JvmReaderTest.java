package dev.sennit.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.loop.LoopsMXBean.Loop;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.util.List;
import org.junit.jupiter.api.Test;

class JvmReaderTest {
    private static final PoolNow PHOTOS = pool("photos", "processes");
    private static final PoolNow PAGES = pool("pages", "loop");
    private static final PoolNow SUMS = pool("sums", "threads");

    private static PoolNow pool(String name, String kind) {
        return new PoolNow(name, kind, false, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null, List.of());
    }

    private static JvmReader.Seen seen(List<Loop> loops, List<WorkerPool> workerPools) {
        return new JvmReader.Seen(loops, workerPools, List.of(PHOTOS, PAGES, SUMS), List.of(), List.of());
    }

    /** The beans of a library in another class loader come one after another: no pool may be missing meanwhile. */
    @Test
    void aPoolIsLeftToAnotherBeanOnlyOnceThatTellsOfIt() {
        var photos = new WorkerPool("photos", 0, 0, 0, List.of());
        var pages = new Loop("pages", "BATON", List.of(), List.of());

        JvmReader.Seen early = seen(List.of(), List.of());
        JvmReader.Seen half = seen(List.of(), List.of(photos));
        JvmReader.Seen whole = seen(List.of(pages), List.of(photos));

        assertThat(List.of(PHOTOS, PAGES, SUMS)).noneMatch(early::isToldInDetail);
        assertThat(List.of(PHOTOS, PAGES, SUMS)).filteredOn(half::isToldInDetail).containsExactly(PHOTOS);
        assertThat(List.of(PHOTOS, PAGES, SUMS)).filteredOn(whole::isToldInDetail).containsExactly(PHOTOS, PAGES);
        assertThat(early.isWhole()).isFalse();
        assertThat(half.isWhole()).isFalse();
        assertThat(whole.isWhole()).isTrue();
    }
}
