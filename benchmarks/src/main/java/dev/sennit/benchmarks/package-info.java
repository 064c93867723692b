/**
 * What Sennit costs beside its peers: {@link dev.sennit.benchmarks.SideBySide} is the way in, one {@link
 * dev.sennit.benchmarks.Experiment} a name. The costs of single calls are measured by JMH, in {@code micro}.
 */
@NullMarked
package dev.sennit.benchmarks;

import org.jspecify.annotations.NullMarked;
