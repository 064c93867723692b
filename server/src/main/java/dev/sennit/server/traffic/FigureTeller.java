package dev.sennit.server.traffic;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Tells figures once a second at most, and only if they have changed. */
public final class FigureTeller {
    /** The counts of a server. */
    public record Figures(Map<String, Long> sums, Map<String, Long> gauges) {}

    private static final long BETWEEN = TimeUnit.SECONDS.toNanos(1);

    private final BiPredicate<Map<String, Long>, Map<String, Long>> takes;
    private final Supplier<Figures> figures;
    // guarded by this
    private @Nullable Figures told;
    private long toldAt = System.nanoTime() - BETWEEN;

    /** @param takes sums and gauges; returns false if they are lost, and then gets them again */
    public FigureTeller(BiPredicate<Map<String, Long>, Map<String, Long>> takes, Supplier<Figures> figures) {
        this.takes = takes;
        this.figures = figures;
    }

    public synchronized void tellIfDue(long now) {
        if (now - toldAt >= BETWEEN) {
            toldAt = now;
            tell();
        }
    }

    public synchronized void tell() {
        Figures now = figures.get();
        if (!now.equals(told) && takes.test(now.sums(), now.gauges())) {
            told = now;
        }
    }
}
