/**
 * Events and figures of tasks, workers, pools and services, for views and tools: {@link dev.sennit.observe.TaskEvents}
 * is one stream of events over all pools of this JVM. {@link dev.sennit.observe.TaskFigures} count them, and
 * {@link dev.sennit.observe.ChromeTrace}, {@link dev.sennit.observe.JsonLines}, {@link dev.sennit.observe.TaskTimeline}
 * and {@link dev.sennit.observe.PrometheusPage} export them. {@link dev.sennit.observe.PoolsMXBean} is for tools
 * outside of this JVM.
 */
@NullMarked
package dev.sennit.observe;

import org.jspecify.annotations.NullMarked;
