/**
 * What processes that run for long need of Linux, and Java has no API for: datagrams to paths, listening sockets whose
 * descriptors travel, the title of a process, and orphans.
 *
 * <p>All of it needs {@link dev.sennit.internal.Linux#isSupported}. Where that is false,
 * {@link dev.sennit.internal.Linux#obstacle} says why, and whatever is asked for here fails with that text.
 */
@NullMarked
package dev.sennit.internal.linux;

import org.jspecify.annotations.NullMarked;
