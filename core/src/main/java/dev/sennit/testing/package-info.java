/**
 * Finds concurrency bugs by choosing the thread that goes on: {@link dev.sennit.testing.ScheduleExplorer} runs a test
 * body under many schedules, each of which can be repeated from its seed.
 */
@NullMarked
package dev.sennit.testing;

import org.jspecify.annotations.NullMarked;
