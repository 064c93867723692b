/** The command {@code sennit thumbnails}: its options, its report, and input that can be interrupted. */
@NullMarked
package dev.sennit.cli.thumbnails;

import org.jspecify.annotations.NullMarked;
