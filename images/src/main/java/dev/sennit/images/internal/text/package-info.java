/** Foreign text in messages: what the terminal of a reader may get to see. */
@NullMarked
package dev.sennit.images.internal.text;

import org.jspecify.annotations.NullMarked;
