java --enable-native-access=ALL-UNNAMED -cp sennit.jar Main.java
