/** How many schedules a second are tried, and how soon a bug is found. */
@NullMarked
package dev.sennit.benchmarks.schedules;

import org.jspecify.annotations.NullMarked;
