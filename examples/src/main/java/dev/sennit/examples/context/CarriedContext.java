package dev.sennit.examples.context;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskContext;
import java.io.Serializable;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** The diagnostic context of a logger goes along with tasks of every kind, worker processes included. */
public final class CarriedContext {
    private CarriedContext() {}

    /** The words that a logger writes before each line, as the mapped diagnostic context of Logback and Log4j. */
    record LogContext() implements TaskContext<String>, Serializable {
        private static final long serialVersionUID = 1L;
        static final ThreadLocal<String> USER = new ThreadLocal<>();

        static String line(String text) {
            return "[" + (USER.get() == null ? "nobody" : USER.get()) + "] " + text;
        }

        @Override
        public @Nullable String capture() {
            return USER.get();
        }

        @Override
        public <T extends @Nullable Object> T around(String captured, Callable<T> body) throws Exception {
            String before = USER.get();
            USER.set(captured);
            try {
                return body.call();
            } finally {
                USER.set(before);
            }
        }
    }

    public static void main(String[] arguments) {
        List<String> plans =
                arguments.length > 0 ? List.of(arguments) : List.of("threads:1", "virtual", "loop", "processes:1");
        try (var _ = TaskContext.register(new LogContext())) {
            for (String plan : plans) {
                try (Pool pool = Pools.open(plan)) {
                    LogContext.USER.set("Ada");
                    System.out.println(pool.submit(() -> LogContext.line("pays on " + plan)).join());
                    LogContext.USER.remove();
                    if (plan.equals(plans.getLast())) { // nothing is left in the worker
                        System.out.println(pool.submit(() -> LogContext.line("pays on " + plan)).join());
                    }
                }
            }
        }
    }
}
