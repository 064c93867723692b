/** How files and folders appear whole or not at all, whatever ends the process that makes them. */
@NullMarked
package dev.sennit.images.internal.files;

import org.jspecify.annotations.NullMarked;
