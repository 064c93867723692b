/** How soon managers of services, beside those of others, see that a worker has ended or hangs, and start another. */
@NullMarked
package dev.sennit.benchmarks.services;

import org.jspecify.annotations.NullMarked;
