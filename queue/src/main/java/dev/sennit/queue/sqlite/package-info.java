/** The broker in an SQLite file, the default: {@code sqlite:jobs.db}. */
@NullMarked
package dev.sennit.queue.sqlite;

import org.jspecify.annotations.NullMarked;
