/**
 * This machine as its processes share it: who they are, the private folders in which they meet, and blocks of memory.
 */
@NullMarked
package dev.sennit.internal.machine;

import org.jspecify.annotations.NullMarked;
