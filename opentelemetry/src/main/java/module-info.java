/** OpenTelemetry's context in tasks, and a span for each task: {@link dev.sennit.opentelemetry.TaskTracing}. */
module dev.sennit.opentelemetry {
    requires transitive dev.sennit;
    requires transitive io.opentelemetry.api;
    requires io.opentelemetry.context;
    requires static org.jspecify;

    exports dev.sennit.opentelemetry;
}
