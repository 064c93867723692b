/** Files for responses: folders that no path leaves, types, ranges, and bytes that the system sends. Not exported. */
@NullMarked
package dev.sennit.server.files;

import org.jspecify.annotations.NullMarked;
