/** Projects outside this build, in each setting that the guide names. */
@org.jspecify.annotations.NullMarked
package dev.sennit.adoption;
