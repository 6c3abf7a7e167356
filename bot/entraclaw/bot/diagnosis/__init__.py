"""What `entraclaw doctor` decides from facts, and the one module that goes and gets them.

`gather` asks; everything else here is pure: `facts` in, findings out.
"""
