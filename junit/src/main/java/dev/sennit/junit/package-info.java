/**
 * Finds concurrency bugs in JUnit tests: {@link dev.sennit.junit.Schedules} in place of {@code @Test} runs a test under
 * many schedules.
 */
@NullMarked
package dev.sennit.junit;

import org.jspecify.annotations.NullMarked;
