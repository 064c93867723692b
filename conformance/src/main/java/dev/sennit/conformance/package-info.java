/**
 * The contract of pools as JUnit tests, for authors of a {@link dev.sennit.PoolProvider}: a test class that extends
 * {@link dev.sennit.conformance.PoolContract} runs them against its kind.
 *
 * <p>{@link dev.sennit.conformance.KindUnderTest} is what the author says of the kind, and
 * {@link dev.sennit.conformance.Signals} what a test and its tasks tell each other, wherever these run.
 */
@NullUnmarked // the tests hand over null to see it refused
package dev.sennit.conformance;

import org.jspecify.annotations.NullUnmarked;
