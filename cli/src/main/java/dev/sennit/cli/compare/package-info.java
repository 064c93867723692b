/**
 * The command {@code sennit compare}: {@link dev.sennit.cli.compare.Workload} is what plans are compared with,
 * {@link dev.sennit.cli.compare.Comparison} measures them, and the report and the plot show the measurements.
 */
@NullMarked
package dev.sennit.cli.compare;

import org.jspecify.annotations.NullMarked;
