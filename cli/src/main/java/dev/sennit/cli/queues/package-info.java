/** {@code sennit enqueue}, {@code queues}, {@code inspect}, {@code events} and {@code dead}: task queues. */
@NullMarked
package dev.sennit.cli.queues;

import org.jspecify.annotations.NullMarked;
