/**
 * What Sennit costs beside its peers: {@link dev.sennit.benchmarks.SideBySide} is the way in, one
 * {@link dev.sennit.benchmarks.measure.Experiment} a name. Each package holds the experiments of one subject;
 * {@code measure} is what all of them use. The costs of single calls are measured by JMH, in {@code micro}.
 */
@NullMarked
package dev.sennit.benchmarks;

import org.jspecify.annotations.NullMarked;
