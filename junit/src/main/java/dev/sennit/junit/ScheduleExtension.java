package dev.sennit.junit;

import dev.sennit.testing.Exploration;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.Strategy;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.ReflectionSupport;

/**
 * Calls a method with {@link Schedules} once for each schedule, instead of once. That annotation registers this
 * extension.
 */
public final class ScheduleExtension implements InvocationInterceptor {
    private static final String SEED = "-Dsennit.seed=";

    /** For JUnit. */
    public ScheduleExtension() {}

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> called,
            ExtensionContext context) {
        Method method = called.getExecutable();
        Object instance = context.getRequiredTestInstance();
        Object[] arguments = called.getArguments().toArray();
        ScheduleExplorer.Body body = () -> ReflectionSupport.invokeMethod(method, instance, arguments);
        invocation.skip();
        Schedules wanted = method.getAnnotation(Schedules.class);
        String command = "mvn test " + selecting(context.getRequiredTestClass(), method);
        ScheduleExplorer explorer = ScheduleExplorer.of(wanted.value())
                .seed(wanted.seed())
                .strategy(wanted.strategy())
                .stepLimit(wanted.stepLimit())
                .dataRaces(wanted.dataRaces(), wanted.harmlessRaces())
                .replayHint(option -> command + ' ' + option + ", or @Replay(" + attribute(option) + ')');
        if (wanted.strategy() == Strategy.PCT) {
            explorer = explorer.pct(wanted.depth());
        }
        if (wanted.strategy() == Strategy.EXHAUSTIVE) {
            explorer = explorer.exhaustive(wanted.preemptions());
        }
        if (wanted.daemons()) {
            explorer = explorer.daemons(_ -> true);
        }
        Replay replay = method.getAnnotation(Replay.class);
        Exploration seen = replay == null ? explorer.explore(body) : replay(replay, explorer, body);
        context.publishReportEntry("schedules", seen.toString());
    }

    private static Exploration replay(Replay wanted, ScheduleExplorer explorer, ScheduleExplorer.Body body) {
        if (wanted.schedule().isEmpty() == (wanted.value() == Replay.NO_SEED)) {
            throw new IllegalArgumentException("@Replay needs a seed or a schedule, and not both");
        }
        return wanted.schedule().isEmpty()
                ? explorer.replay(wanted.value(), body)
                : explorer.replay(wanted.schedule(), body);
    }

    /** Returns the attribute of {@link Replay} that does what an option of the JVM does. */
    private static String attribute(String option) {
        String value = option.substring(option.indexOf('=') + 1);
        return option.startsWith(SEED) ? value + 'L' : "schedule = \"" + value + '"';
    }

    /** Returns Maven's option that selects a test, quoted for a shell. */
    private static String selecting(Class<?> type, Method method) {
        String packaged = type.getPackageName();
        String name = packaged.isEmpty() ? type.getName() : type.getName().substring(packaged.length() + 1);
        String option = "-Dtest=" + name + '#' + method.getName();
        return option.contains("$") ? "'" + option + "'" : option;
    }
}
