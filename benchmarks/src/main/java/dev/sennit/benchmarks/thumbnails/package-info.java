/** What thumbnails cost, beside those of others: one after another, and in a pipeline. */
@NullMarked
package dev.sennit.benchmarks.thumbnails;

import org.jspecify.annotations.NullMarked;
