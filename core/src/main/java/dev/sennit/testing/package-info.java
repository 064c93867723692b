/**
 * Finds concurrency bugs by choosing who goes on: {@link dev.sennit.testing.ScheduleExplorer} runs a test body under many
 * schedules, each of which its seed brings back.
 */
@NullMarked
package dev.sennit.testing;

import org.jspecify.annotations.NullMarked;
