package dev.sennit.examples.context;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskContext;
import dev.sennit.TaskOptions;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * SLF4J's diagnostic context goes along with tasks of every kind: what they log has the order's number, in a worker
 * process too.
 */
public final class LoggedContext {
    private static final Logger LOG = LoggerFactory.getLogger(LoggedContext.class);

    private LoggedContext() {}

    /**
     * Carries the diagnostic context of the thread that submits. As it is serializable, tasks of processes get a copy.
     */
    record DiagnosticContext() implements TaskContext<Map<String, String>>, Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public @Nullable Map<String, String> capture() {
            Map<String, String> here = MDC.getCopyOfContextMap();
            return here == null || here.isEmpty() ? null : here;
        }

        @Override
        public <T extends @Nullable Object> T around(Map<String, String> captured, Callable<T> body) throws Exception {
            Map<String, String> before = MDC.getCopyOfContextMap();
            MDC.setContextMap(captured);
            try {
                return body.call();
            } finally {
                if (before == null) {
                    MDC.clear();
                } else {
                    MDC.setContextMap(before);
                }
            }
        }
    }

    public static void main(String[] arguments) {
        try (var _ = TaskContext.register(new DiagnosticContext())) {
            MDC.put("order", "17");
            for (String plan : List.of("threads:1", "virtual", "loop", "processes:1")) {
                try (Pool pool = Pools.open(plan)) {
                    System.out.println(
                            pool.submit(LoggedContext::pay, TaskOptions.named("pay")).join() + " on " + plan);
                }
            }
            MDC.clear();
            try (Pool pool = Pools.open("processes:1")) {
                System.out.println(pool.submit(LoggedContext::pay).join() + " without a context");
            }
        }
    }

    private static String pay() {
        LOG.info("paid"); // 12:34:56.789 INFO  [pay] order=17 LoggedContext - paid
        return "order " + MDC.get("order");
    }
}
