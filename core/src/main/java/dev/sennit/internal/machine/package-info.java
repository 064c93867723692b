/**
 * Resources that the processes of this machine share: their identities, the private folders in which they meet, and
 * blocks of memory.
 */
@NullMarked
package dev.sennit.internal.machine;

import org.jspecify.annotations.NullMarked;
