/**
 * The contract of pools as JUnit tests, for authors of a {@link dev.sennit.PoolProvider}: a test class that extends
 * {@link dev.sennit.conformance.PoolContract} runs them against its kind.
 *
 * <p>{@link dev.sennit.conformance.KindUnderTest} has the methods by which an author describes the kind. {@link
 * dev.sennit.conformance.Signals} are what a test and its tasks tell each other, wherever the tasks run.
 */
@NullUnmarked // the tests hand over null to see it refused
package dev.sennit.conformance;

import org.jspecify.annotations.NullUnmarked;
