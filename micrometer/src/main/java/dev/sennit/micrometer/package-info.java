/**
 * The figures of pools, tasks and services for Micrometer: {@link dev.sennit.micrometer.SennitMetrics} binds them to a
 * {@code MeterRegistry}.
 */
@NullMarked
package dev.sennit.micrometer;

import org.jspecify.annotations.NullMarked;
