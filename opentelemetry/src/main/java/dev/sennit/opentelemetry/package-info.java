/**
 * Traces that go through pools: {@link dev.sennit.opentelemetry.TaskTracing} carries OpenTelemetry's context into tasks
 * and makes a span for each.
 */
@NullMarked
package dev.sennit.opentelemetry;

import org.jspecify.annotations.NullMarked;
