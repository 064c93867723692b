package dev.sennit.micrometer;

import dev.sennit.micrometer.Snapshot.Key;
import dev.sennit.micrometer.Snapshot.Reading;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** The meters of one registry. One thread at a time calls its methods; the meters are read by any. */
final class Meters {
    private static final System.Logger LOG = System.getLogger(Meters.class.getPackageName());

    private final MeterRegistry registry;
    private final Latest latest;
    private final Map<Key, Meter> meters = new HashMap<>();
    private boolean hasFailed;

    Meters(MeterRegistry registry, Latest latest) {
        this.registry = registry;
        this.latest = latest;
    }

    MeterRegistry registry() {
        return registry;
    }

    /** Has the registry show these figures and no others. */
    void show(Set<Key> keys) {
        for (Iterator<Map.Entry<Key, Meter>> shown = meters.entrySet().iterator(); shown.hasNext();) {
            Map.Entry<Key, Meter> one = shown.next();
            if (!keys.contains(one.getKey())) {
                shown.remove();
                tried(() -> registry.remove(one.getValue()));
            }
        }
        for (Key key : keys) {
            if (!meters.containsKey(key)) {
                tried(() -> meters.put(key, meter(key)));
            }
        }
    }

    /** A registry may refuse a meter, and has filters and listeners of users. */
    private void tried(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            if (!hasFailed) {
                hasFailed = true;
                LOG.log(Level.WARNING, "registry " + registry.getClass().getName()
                        + " failed with a meter, and will not be logged again", e);
            }
        }
    }

    private Meter meter(Key key) {
        Figure figure = key.figure();
        return switch (figure.form()) {
            case GAUGE -> Gauge.builder(figure.meter(), latest, now -> value(now, key))
                    .tags(key.tags()).description(figure.help()).register(registry);
            case SECONDS -> TimeGauge.builder(figure.meter(), latest, TimeUnit.SECONDS, now -> value(now, key))
                    .tags(key.tags()).description(figure.help()).register(registry);
            case COUNTER, SECONDS_COUNTER -> {
                var grown = new Grown(key, Reading::value);
                yield FunctionCounter.builder(figure.meter(), latest, grown::value)
                        .tags(key.tags()).description(figure.help()).baseUnit(figure.unit()).register(registry);
            }
            case TIMER -> {
                var count = new Grown(key, Reading::value);
                var seconds = new Grown(key, Reading::seconds);
                yield FunctionTimer
                        .builder(figure.meter(), latest, now -> (long) count.value(now), seconds::value,
                                TimeUnit.SECONDS)
                        .tags(key.tags()).description(figure.help()).register(registry);
            }
        };
    }

    private static double value(Latest latest, Key key) {
        Reading seen = latest.get().get(key);
        return seen == null ? Double.NaN : seen.value();
    }

    /**
     * A figure that only grows, also where one of several pools of the same name ends, and its part is gone. A registry
     * that tells differences would tell a negative one.
     */
    private static final class Grown {
        private final Key key;
        private final ToDoubleFunction<Reading> part;
        /** Guarded by this. The number of the snapshot that was read last. */
        private long number;
        /** Guarded by this. */
        private double read;
        /** Guarded by this. What was read before, and is gone. */
        private double gone;

        Grown(Key key, ToDoubleFunction<Reading> part) {
            this.key = key;
            this.part = part;
        }

        double value(Latest latest) {
            Snapshot now = latest.get();
            Reading seen = now.get(key);
            return next(now.number(), seen == null ? 0 : part.applyAsDouble(seen));
        }

        private synchronized double next(long of, double value) {
            if (of > number) { // else another thread has read a later one
                number = of;
                gone += Math.max(0, read - value);
                read = value;
            }
            return gone + read;
        }
    }
}
