"""The engine `terrarium/simulator`."""
