/** Thumbnails: where images come from, how they are fetched, made small and written. */
@NullMarked
package dev.sennit.images;

import org.jspecify.annotations.NullMarked;
